/** A drawn portrait, PNG of 64 by 64, as profiles hold pictures. */
export const PORTRAIT: string = [
  "data:image/png;base64,",
  "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAACG0lEQVR42tXP2VLTQRDF4fNEPpqXPgqIrKICsoMsCUnIQhZkhySAIouKIosbCK",
  "JXTtVAFVzYmUw3/6GrvvvzO/i73qAa/lQbVMNltVE1XFYeq4bflSbVcFFuUs0ceKIazteaVTMHWlTDr9VW1XC22qoazlbaVMPpSrtq+LncIe50",
  "sfd/xLcQWfod3cCPpadSHOstqVFzoFNEXfXXHwR28X3pGZ9HvcWfxrfF50ze9RZzXf+BrwsvOJj1FicAJwtdHCIHOAE4me/mkDnACMDxfDeHyA",
  "FOAI7nejhkDjACcDT3kkPkACcAh697OUQOcALMgT4OoQP+Afgy28chcoATgIPZfiZmPXMdB6UBJu4B3jo+lwb5vOv50+bAkAiveoFdfCoOSamr",
  "XmoU+8VhQY71govYL4yIo9Klt/CxMKoaPuRHVTMHXqmG9zNjgh48fORCcNEcGBfhmH77hsAu9nITTB7pNzHXsZub8MZMv8m7AbvZST+C9VcfvD",
  "Kwk415EK+3PEqwnYnX647qrXpjcK/qPT7gXXrKXQT1lnuSOZBwF+EB1yRspZOOIqu3HKvwdjrlIuJ6yyVM/4E3qWkXQQ64hGEzla4pSL1Vsw2b",
  "yUxNIQ/UasNGMkMLWG/RedhIZGnhD5B5WE/kaMEP0HmoTs3Qgh+g88yBPO0eHKDyUInnacEP0Hkoxwu04AfoPJRjRVr4A2Qe1mIlWvADdN4/9n",
  "tjyXEDQjkAAAAASUVORK5CYII=",
].join("")
